"""Which parts of GDAL may open a file: those of GeoTIFF, GeoPackage, Shapefile and GeoJSON.

The others can read what a file designates: other files, sites, commands. They are never loaded.
"""

from __future__ import annotations

__all__ = ["environment"]

# Every other driver of the wheels of rasterio and pyogrio; tests/sources/media watches that none is added.
_SKIPPED = """
    AAIGrid ACE2 ADBC ADRG AIG AIVector AVCBin AVCE00 AirSAR AmigoCloud BAG BIGGIF BLX BMP BSB BT BYN
    CALS CEOS COASP COSAR CPG CSV CSW CTG CTable2 Carto DAAS DERIVED DGN DIMAP DIPEx DOQ1 DOQ2 DTED DXF
    ECRGTOC EDIGEO EEDA EEDAI EHdr EIR ELAS ENVI ERS ESAT ESRIC ESRIJSON Elasticsearch FAST FIT
    FlatGeobuf GDALG GFF GIF GML GNMDatabase GNMFile GPSBabel GPX GRASSASCIIGrid GRIB GS7BG GSAG GSBG
    GSC GTFS GTI GTX GXF GenBin GeoJSONSeq GeoRSS HDF5 HDF5Image HF2 HFA HTTP ILWIS IRIS ISCE ISG ISIS2
    ISIS3 Idrisi JAXAPALSAR JDEM JML JP2OpenJPEG JPEG JSONFG KML KMLSUPEROVERLAY KRO L1B LAN LCP LIBKML
    LOSLAS LVBAG Leveller MAP MBTiles MFF MFF2 MRF MSGN MVT MapML MiraMonVector NDF NGSGEOID NGW NITF
    NOAA_B NSIDCbin NTv2 NWT_GRC NWT_GRD OAPIF ODS OGCAPI OGR_GMT OGR_PDS OGR_VRT OSM OZI OpenFileGDB
    PAux PCIDSK PCRaster PDF PDS PDS4 PGDUMP PLMOSAIC PLSCENES PMTiles PNG PNM PRF R RIK RMF ROI_PAC
    RPFTOC RRASTER RS2 RST Rasterlite S102 S104 S111 S57 SAFE SAGA SAR_CEOS SDTS SENTINEL2 SGI SIGDEM
    SNAP_TIFF SNODAS SQLite SRP SRTMHGT STACIT STACTA SXF Selafin TGA TIL TSX Terragen TopoJSON USGSDEM
    VDV VFK VICAR VRT WAsP WCS WEBP WFS WMS WMTS XLSX XPM XYZ ZMap Zarr netCDF
"""


def environment() -> dict[str, str]:
    """Return what the environment of a process must say before GDAL is loaded there.

    Examples
    --------
    >>> "VRT" in environment()["GDAL_SKIP"].split(","), "GTiff" in environment()["GDAL_SKIP"].split(",")
    (True, False)
    """
    return {
        "GDAL_SKIP": ",".join((*_SKIPPED.split(), "MapInfo File")),
        "GDAL_DRIVER_PATH": "disable",
        "GDAL_NUM_THREADS": "1",
        "PROJ_NETWORK": "OFF",
    }
