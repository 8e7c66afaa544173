# ruff: noqa: E501 - one sentence a line
"""What the fictitious decisions are about: matters, facts, pleas and reasons, written for this sample."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MATTERS", "PLACES", "Matter"]


@dataclass(frozen=True, slots=True)
class Matter:
    """A matter: kind of application, code, what is attacked, pleas, and the reasons that answer them."""

    kind: str
    code: str
    article: str
    attacked: str
    facts: tuple[str, ...]
    pleas: tuple[str, ...]
    reasons: tuple[str, ...]


PLACES = (
    "Brumeville", "Port-Clair", "Vaux-le-Sec", "Montrelais", "Sainte-Ombre", "Grandpré", "Le Hameau-Neuf",
    "Rivebelle", "Courtevoie", "Haute-Lande", "Trois-Fontaines", "Belpuy", "Noirmont", "Estuaire-Plage",
)  # fmt: skip
"""Made-up communes."""

MATTERS = (
    Matter(
        "Excès de pouvoir",
        "code de l'urbanisme",
        "L. 421-6",
        "l'arrêté par lequel le maire de {place} a délivré un permis de construire un immeuble de {count} logements",
        (
            "Le terrain d'assiette du projet est situé en zone pavillonnaire, à {count} mètres d'une rivière.",
            "La notice paysagère jointe au dossier décrivait trois arbres remarquables à conserver.",
            "Le voisin immédiat soutient que la hauteur du bâtiment le priverait de la lumière du matin.",
            "L'architecte des bâtiments de France avait rendu un avis réservé sur la couleur des façades.",
        ),
        (
            "le dossier de demande était incomplet faute de plan de coupe",
            "le nombre de places de stationnement est inférieur à ce que prévoit le règlement local",
            "le projet porte atteinte au caractère des lieux avoisinants",
            "la voie de desserte est trop étroite pour les engins de lutte contre l'incendie",
        ),
        (
            "la circonstance que le plan de coupe n'ait pas figuré au dossier est restée sans incidence, les autres pièces permettant d'apprécier l'implantation du bâtiment par rapport au terrain naturel",
            "le règlement n'impose une seconde place qu'au-delà de soixante mètres carrés de plancher, seuil que les logements en cause n'atteignent pas",
            "les constructions voisines ne présentent aucune unité de style à laquelle le projet pourrait nuire",
            "la largeur utile de la voie, mesurée entre les bordures, suffit au passage des secours selon le service consulté",
        ),
    ),
    Matter(
        "Plein contentieux",
        "code général des impôts",
        "1415",
        "les cotisations de taxe foncière auxquelles elle a été assujettie à raison d'un local commercial à {place}",
        (
            "Le local, d'une surface de {count} mètres carrés, a été évalué par comparaison avec un local type.",
            "La contribuable exploite une activité saisonnière et ferme ses portes d'octobre à mars.",
            "Le service avait retenu un coefficient de situation qu'il a modifié en cours d'instance.",
            "Une réclamation préalable avait été rejetée par le directeur départemental.",
        ),
        (
            "le local type retenu par l'administration n'existait plus à la date du fait générateur",
            "le coefficient de pondération des réserves a été appliqué à tort aux bureaux",
            "l'abattement pour vétusté aurait dû être porté à vingt pour cent",
            "la surface taxable comprend à tort un auvent ouvert sur trois côtés",
        ),
        (
            "un local détruit peut servir de terme de comparaison tant que son évaluation a été régulièrement inscrite au procès-verbal communal",
            "les bureaux attenants concourent directement à la vente et relèvent donc du même coefficient",
            "aucun élément chiffré n'établit un état d'entretien inférieur à celui des immeubles comparables",
            "un auvent accessible à la clientèle constitue un élément de la surface pondérée",
        ),
    ),
    Matter(
        "Excès de pouvoir",
        "code civil",
        "21-24",
        "la décision par laquelle le ministre a ajourné à deux ans sa demande de naturalisation",
        (
            "Le postulant, entré en France il y a {count} ans, exerce la profession de boulanger à {place}.",
            "L'entretien d'assimilation a duré quarante minutes en présence d'un agent de la préfecture.",
            "Le postulant avait omis de déclarer une partie de ses ressources d'apprentissage.",
            "Son épouse et leurs enfants résident régulièrement sur le territoire.",
        ),
        (
            "la décision est insuffisamment motivée",
            "le ministre s'est fondé sur des faits anciens et isolés",
            "l'autonomie matérielle du foyer est établie par les bulletins de salaire",
            "la procédure contradictoire n'a pas été respectée",
        ),
        (
            "la décision énonce les considérations de droit et de fait qui en constituent le fondement, au regard de la loi invoquée",
            "l'autorité dispose d'un large pouvoir pour apprécier l'opportunité d'accorder la nationalité et peut tenir compte de tout manquement récent aux obligations fiscales",
            "les revenus produits ne couvrent qu'une part des charges du foyer sur la période examinée",
            "l'intéressé a été mis à même de présenter ses observations lors de l'entretien dont le compte rendu est versé",
        ),
    ),
    Matter(
        "Plein contentieux",
        "code de la commande publique",
        "L. 2152-6",
        "la procédure de passation du marché de restauration scolaire lancée par la commune de {place}",
        (
            "Le marché, d'une durée de {count} mois, portait sur la livraison de repas en liaison froide.",
            "Quatre candidats avaient remis une offre dans le délai prolongé par un avis rectificatif.",
            "Le rapport d'analyse notait les échantillons dégustés par un jury de parents.",
            "L'offre retenue proposait un prix inférieur de dix pour cent à l'estimation.",
        ),
        (
            "l'offre retenue était anormalement basse",
            "le critère du développement durable n'était assorti d'aucun élément d'appréciation",
            "la méthode de notation du prix neutralisait les autres critères",
            "le délai entre la notification du rejet et la signature a été méconnu",
        ),
        (
            "l'écart constaté s'explique par la proximité de la cuisine centrale et par des achats groupés dont le détail a été fourni",
            "le règlement de la consultation énumérait cinq indicateurs vérifiables et leur pondération",
            "la formule retenue conserve à chaque critère la part annoncée aux candidats",
            "onze jours au moins se sont écoulés entre l'envoi électronique et la conclusion du contrat",
        ),
    ),
    Matter(
        "Contentieux des pensions",
        "code des pensions civiles et militaires de retraite",
        "L. 28",
        "la décision lui refusant une rente viagère d'invalidité à la suite d'un accident survenu à {place}",
        (
            "L'agent, adjoint technique depuis {count} ans, a glissé sur un quai de déchargement verglacé.",
            "La commission de réforme avait émis un avis favorable à l'imputabilité.",
            "Une expertise a relevé un état antérieur du genou gauche, sans gêne connue.",
            "L'intéressé a été radié des cadres pour inaptitude définitive.",
        ),
        (
            "l'avis de la commission liait l'administration",
            "l'accident est la cause directe et certaine de l'inaptitude",
            "l'état antérieur, muet jusque-là, ne pouvait lui être opposé",
            "le taux d'invalidité a été fixé sans examen contradictoire",
        ),
        (
            "cet avis est purement consultatif et l'autorité pouvait s'en écarter par une décision motivée",
            "les pièces médicales concordent pour attribuer l'inaptitude à une évolution dégénérative étrangère au service",
            "un état latent que l'accident a révélé doit néanmoins être retranché lorsqu'il aurait conduit seul à la même incapacité",
            "l'intéressé a été examiné par un médecin agréé et a pu produire ses propres certificats",
        ),
    ),
    Matter(
        "Excès de pouvoir",
        "code de l'environnement",
        "L. 512-7",
        "l'arrêté préfectoral enregistrant une unité de méthanisation sur le territoire de {place}",
        (
            "L'installation traitera {count} tonnes de lisier et de résidus végétaux par jour.",
            "Une association de riverains a recueilli des relevés d'odeurs pendant six mois.",
            "Le plan d'épandage couvre des parcelles situées en amont d'un captage.",
            "Le conseil municipal s'était prononcé contre le projet à l'unanimité.",
        ),
        (
            "une évaluation environnementale complète devait être réalisée",
            "les capacités financières de l'exploitant n'étaient pas justifiées",
            "l'épandage menace la qualité de l'eau du captage",
            "les distances d'éloignement des habitations ne sont pas respectées",
        ),
        (
            "ni la sensibilité du milieu ni le cumul avec d'autres projets n'imposaient de basculer vers la procédure d'autorisation",
            "un engagement bancaire et l'apport des associés couvraient l'investissement annoncé",
            "le périmètre de protection exclut les seules parcelles où l'épandage serait interdit, que l'arrêté a retirées du plan",
            "le constat d'huissier produit situe l'habitation la plus proche au-delà de deux cents mètres des digesteurs",
        ),
    ),
)
"""Matters of the sample."""
